"""What follows from a finished run: the gate, what the champion of MLflow's registry serves, and what is exported."""
