"""The directory in which the processes of one host add up what they count. It is trusted in nothing."""
