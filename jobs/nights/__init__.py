"""What nights decide: when data is settled, what to wait for, what is plausible, what became stale."""
