"""What a run will take (time, memory, disk), told before anything is loaded: `pb-rlsvr plan`."""
