"""From the tidy tables to what a reader sees: tables, figures, gallery, the page."""
