"""What the office decides: corrections, confirmations and excuses, signed by the office key for the devices."""
