"""What a job raised and was called with, as plain data: quick on the job's thread, completed on the pump's."""
