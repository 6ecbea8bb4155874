//! How the program ends.

use crate::harness::{Client, Program, until};

/// A client whose request has a head, and waits for the service to ask for the body.
fn half_a_request(program: &Program) -> Client {
    let mut client = Client::new(program.address);
    client.write("POST /predict HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 16\r\n\r\n");
    assert_eq!(client.answer().unwrap().status, 100);
    client
}

#[test]
fn what_is_being_answered_is_finished() {
    for signal in ["TERM", "INT"] {
        // The time is longer than the test waits: nothing may need it.
        let mut program = Program::start("--max-stop-seconds 3600", None);
        let mut idle = Client::new(program.address);
        assert_eq!(idle.ask("GET", "/health", "").status, 200);
        let mut slow = Client::new(program.address);
        slow.write("GET /health HTT");
        let mut client = half_a_request(&program);
        program.signal(signal);
        // Who has sent no whole head of a request is told, or had nothing to be told.
        assert!(slow.answer().unwrap().error(503).contains("stopping"));
        assert!(idle.is_closed());
        until("nothing new is accepted", || std::net::TcpStream::connect(program.address).is_err());
        assert!(program.child.try_wait().unwrap().is_none());
        client.write("{\"a\":10,\"b\":2 } ");
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.head.contains("connection: close"), "{answer:?}");
        drop((client, slow));
        assert_eq!(program.end(), Some(0));
    }
}

#[test]
fn slow_clients_do_not_hold_up_the_end() {
    let mut program = Program::start("--max-stop-seconds 0.3 --max-request-seconds 3600", None);
    let mut client = half_a_request(&program);
    program.signal("TERM");
    assert_eq!(program.end(), Some(0));
    assert!(client.is_closed());
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut program = Program::start("--max-stop-seconds 3600 --max-request-seconds 3600", None);
    let _client = half_a_request(&program);
    program.signal("INT");
    until("it stops", || std::net::TcpStream::connect(program.address).is_err());
    program.signal("INT");
    assert_eq!(program.end(), Some(130));
}
