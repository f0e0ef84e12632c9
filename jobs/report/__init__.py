"""What all reports share: the style of charts and pages, and how a report's files are written."""
