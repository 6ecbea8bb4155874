//! Result tables and event timelines of a search.
