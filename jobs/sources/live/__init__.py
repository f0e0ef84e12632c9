"""What all live sources share: requests, recordings, populations, and the pull of a day."""
