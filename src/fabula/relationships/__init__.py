"""What ties tables together: keys found in data, and rules between parents and children."""
