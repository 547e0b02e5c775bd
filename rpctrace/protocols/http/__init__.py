"""HTTP: RPC over HTTP, and what its headers authenticate with."""
