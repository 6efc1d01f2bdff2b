"""Who is served: judged, registered, verified, and looked up again."""
