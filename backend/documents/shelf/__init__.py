"""What a project keeps of its documents: taking in, keeping, listing, removing without a trace."""
