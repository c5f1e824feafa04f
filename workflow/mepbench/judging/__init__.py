"""The parts of the judge: Hessian, IRC, what it connects, and the quality of a path."""
