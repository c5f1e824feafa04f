"""From judged runs to tables: references, errors, chains of steps."""
