mod data;
mod huber;
mod laws;
mod nist;
mod spark;
