"""What a run will take, told before it starts: memory, time, disk, from a formula, earlier runs or a probe."""
