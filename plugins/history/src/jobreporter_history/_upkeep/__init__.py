"""What keeps a history in order: signs of life, retention, room on the disk, damaged files."""
