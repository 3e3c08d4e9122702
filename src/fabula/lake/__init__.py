"""Object stores, Delta and Iceberg: files far away as sources and destinations."""
