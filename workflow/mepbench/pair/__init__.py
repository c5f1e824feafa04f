"""One reaction without the workflow: two geometries and a calculator in, a judged saddle out."""
