mod data;
mod huber;
mod laws;
