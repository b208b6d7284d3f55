"""Libraries that a user would pick instead, each an optional extra, imported when it is first prepared."""
