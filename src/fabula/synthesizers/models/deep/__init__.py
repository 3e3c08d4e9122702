"""What the networks share: training in JAX, and sampling in numpy from what was trained."""
