"""Projects: a folder with a database and everything about one task; the sample; export, import and the trash."""
