"""The weights manager: files of published models in a cache, fetched when asked, checked always."""
