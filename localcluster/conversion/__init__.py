"""Built-in kinds that are served in two forms and kept in one."""
