//! What is asked and what is answered.

use std::net::TcpStream;

use luthier::prelude::*;
use ndarray::Array2;
use serde_json::json;

use crate::harness::{Client, Program, model, request, start};

#[test]
fn rows_become_predictions_and_bad_ones_are_told_why() {
    let model = model();
    let mut client = Client::new(start(&model));
    let (status, about) = client.send("GET", "/model", "");
    assert_eq!(status, 200);
    assert_eq!(about["inputs"], json!([{"name": "features", "type": "vector(6)"}]));
    assert_eq!(about["outputs"], json!([{"name": "prediction", "type": "f64"}]));

    let row = json!({"features": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]});
    let (status, one) = client.send("POST", "/predict", &row.to_string());
    assert_eq!(status, 200);
    let frame = Array2::from_shape_fn((1, 6), |(_, j)| 0.1 * (j + 1) as f64);
    let expected = model.transform(&DataFrame::from_ndarray(frame, vec![0.0]).unwrap()).unwrap();
    let expected = expected.column_f64("prediction").unwrap()[0];
    assert!((one["prediction"].as_f64().unwrap() - expected).abs() < 1e-12);
    let (status, two) = client.send("POST", "/predict", &json!([row, row]).to_string());
    assert_eq!((status, two), (200, json!([one, one])));

    for (body, status, reason) in [
        ("{\"features\": [1", 400, "not JSON"),
        ("{}", 422, "no value for column `features`"),
        ("{\"features\": [1, 2]}", 422, "column `features`"),
        ("{\"feature\": 1}", 422, "did you mean `features`"),
        ("[{\"features\": [1,2,3,4,5,6]}, 7]", 422, "row 1"),
        ("7", 422, "object"),
    ] {
        let (found, answer) = client.send("POST", "/predict", body);
        assert_eq!(found, status, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{body}: {answer}");
    }
    assert_eq!(client.send("GET", "/", "").0, 404);
    assert_eq!(client.send("GET", "/predict", "").0, 405);
}

#[test]
fn a_long_list_has_the_answers_of_its_rows() {
    let mut client = Client::new(start(&model()));
    let row = |i: usize| json!({"features": [i, 2 * i, 3, 4, 5, 0.001 * i as f64]});
    let mut rows: Vec<_> = (0..2500).map(row).collect();
    let (status, answers) = client.send("POST", "/predict", &json!(rows).to_string());
    assert_eq!((status, answers.as_array().unwrap().len()), (200, 2500));
    for i in [0, 1, 1023, 1024, 2047, 2048, 2499] {
        assert_eq!(client.send("POST", "/predict", &rows[i].to_string()), (200, answers[i].clone()), "{i}");
    }
    assert_eq!(client.send("POST", "/predict", " [ ] "), (200, json!([])));

    // A row that is wrong is named, wherever it is.
    for i in [3, 1023, 1024, 2300] {
        for (wrong, reason) in [
            (json!({"features": "x"}), format!("column `features`, row {i}: ")),
            (json!({"features": null, "x": 1}), format!("row {i}: ")),
        ] {
            let right = std::mem::replace(&mut rows[i], wrong);
            let error = client.ask("POST", "/predict", &json!(rows).to_string()).error(422);
            assert!(error.contains(&reason), "{i}: {error}");
            rows[i] = right;
        }
    }
    for (broken, status, reason) in [
        ("[", 400, "EOF"),
        ("[] []", 400, "trailing characters"),
        ("[{\"features\": [1, 2, 3, 4, 5, 6]} ", 400, "EOF"),
        ("[1, nonsense", 422, "row 0"),
    ] {
        let error = client.ask("POST", "/predict", broken).error(status);
        assert!(error.contains(reason), "{broken}: {error}");
    }
}

#[test]
fn a_client_that_sends_nothing_more_is_answered() {
    let address = start(&model());
    let row = json!({"features": [1, 2, 3, 4, 5, 6]});
    for rows in [json!(row), json!(vec![row; 3_000])] {
        let mut client = Client::new(address);
        client.write(request("POST", "/predict", &rows.to_string()));
        client.0.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json().as_array().map_or(1, Vec::len), rows.as_array().map_or(1, Vec::len));
        assert!(client.is_closed());
    }
    // In the middle of a body, there is nothing to answer but that.
    let mut client = Client::new(address);
    client.write("POST /predict HTTP/1.1\r\ncontent-length: 20\r\n\r\n{\"features\"");
    client.0.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    let error = client.answer().unwrap().error(400);
    assert!(error.contains("body"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_serves_columns_by_name_and_outlives_a_lack_of_descriptors() {
    let mut program = Program::start("", Some(40));
    let address = program.address;

    let mut early = Client::new(address);
    assert_eq!(early.send("GET", "/health", ""), (200, json!({"status": "ok"})));
    let idle: Vec<_> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    // What has a connection is served, and others once there are descriptors again.
    let (status, answer) = early.send("POST", "/predict", r#"{"a": 100, "b": 5}"#);
    assert_eq!(status, 200, "{answer}");
    assert!((answer["prediction"].as_f64().unwrap() - 311.0).abs() < 1e-8, "{answer}");
    drop(idle);
    let mut late = Client::new(address);
    let (status, answer) = late.send("POST", "/predict", r#"[{"a": 1, "b": 0}, {"b": 1, "a": 0}]"#);
    assert_eq!(status, 200, "{answer}");
    assert!((answer[1]["prediction"].as_f64().unwrap() - 3.0).abs() < 1e-8, "{answer}");
    assert!(program.child.try_wait().unwrap().is_none(), "the service is gone");
}
