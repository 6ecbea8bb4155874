mod data;
mod huber;
mod independence;
mod laws;
