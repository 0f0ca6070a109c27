"""What somebody should hear of without looking: found, told once to each account with an address, as one mail."""
