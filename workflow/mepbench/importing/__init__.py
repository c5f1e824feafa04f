"""From files of any origin to a set file."""
