"""What can be said of any surface that answers energy and gradient: Hessian, minima, descents."""
