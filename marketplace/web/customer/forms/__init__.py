"""Shape and format of what customers enter; what it means is decided by the features."""
