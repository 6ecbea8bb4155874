//! Parts of dates and times: pandas 3.1.1 gives these numbers (`Timestamp.year`, `isocalendar`, `day_of_week + 1`, …).

use luthier_core::frame::{Column, DataFrame, parse_timestamp};
use luthier_core::{Params, Transformer};
use luthier_stages::{DatePart, DateParts, HandleInvalid};
use ndarray::array;

use super::has;

const ALL: [DatePart; 12] = [
    DatePart::Year,
    DatePart::Quarter,
    DatePart::Month,
    DatePart::Week,
    DatePart::Day,
    DatePart::DayOfWeek,
    DatePart::DayOfYear,
    DatePart::Hour,
    DatePart::Minute,
    DatePart::Second,
    DatePart::IsWeekend,
    DatePart::DaysSince,
];

const TEXTS: [&str; 5] =
    ["2024-02-29T23:59:58.5", "2021-01-03", "2020-12-31 12:30:15", "1969-12-31T06:00", "2018-12-31T00:00:00"];

#[test]
fn parts_are_those_of_the_calendar() {
    let expected = array![
        [2024.0, 1.0, 2.0, 9.0, 29.0, 4.0, 60.0, 23.0, 59.0, 58.0, 0.0, 8825.999982638888],
        [2021.0, 1.0, 1.0, 53.0, 3.0, 7.0, 3.0, 0.0, 0.0, 0.0, 1.0, 7673.0],
        [2020.0, 4.0, 12.0, 53.0, 31.0, 4.0, 366.0, 12.0, 30.0, 15.0, 0.0, 7670.521006944445],
        [1969.0, 4.0, 12.0, 1.0, 31.0, 3.0, 365.0, 6.0, 0.0, 0.0, 0.0, -10957.75],
        [2018.0, 4.0, 12.0, 1.0, 31.0, 1.0, 365.0, 0.0, 0.0, 0.0, 0.0, 6939.0],
    ];
    let stage = DateParts::new().input_cols(["t"]).parts(ALL).since("2000-01-01");
    let midnight = |text: &str| if text.len() == 10 { format!("{text}T00:00") } else { text.to_owned() };
    let times = TEXTS.iter().map(|text| parse_timestamp(&midnight(text)).map(|(time, _)| time)).collect();
    for column in [Column::utf8(TEXTS), Column::timestamp_nullable(times)] {
        let frame = DataFrame::from_columns(vec![("t", column)]).unwrap();
        let found = stage.transform(&frame).unwrap().vectors("date_parts").unwrap();
        assert!((&found - &expected).iter().all(|difference| difference.abs() < 1e-9), "{found}");
    }
}

#[test]
fn a_cycle_has_no_ends() {
    let frame =
        DataFrame::from_columns(vec![("t", Column::utf8(["2024-01-05", "2024-04-05", "2023-12-31"]))])
            .unwrap();
    let stage = DateParts::new().input_cols(["t"]).parts([DatePart::Year, DatePart::Month]).cyclic(true);
    let out = stage.transform(&frame).unwrap();
    let names = out.schema().require("date_parts").unwrap().feature_names().unwrap();
    assert_eq!(names, ["t_year", "t_month_sin", "t_month_cos"]);
    let found = out.vectors("date_parts").unwrap();
    let half = 3_f64.sqrt() / 2.0;
    let expected = array![[2024.0, 0.0, 1.0], [2024.0, 1.0, 0.0], [2023.0, -0.5, half]];
    assert!((&found - &expected).iter().all(|difference| difference.abs() < 1e-15), "{found}");
}

#[test]
fn what_is_no_date_is_an_error_left_out_or_nan() {
    let texts = [Some("2024-01-05"), None, Some("05.01.2024"), Some("2024-01-06")];
    let frame = DataFrame::from_columns(vec![
        ("t", Column::utf8_nullable(texts)),
        ("n", Column::i64(vec![0, 1, 2, 3])),
    ]);
    let frame = frame.unwrap();
    let stage = |handle_invalid| {
        DateParts::new().input_cols(["t"]).parts([DatePart::Day]).handle_invalid(handle_invalid)
    };
    has(
        stage(HandleInvalid::Error).transform(&frame).unwrap_err(),
        &["column `t`", "row 1", "null", "2024-02-29"],
    );
    let later = frame.slice(2, 2).unwrap();
    has(stage(HandleInvalid::Error).transform(&later).unwrap_err(), &["`05.01.2024`"]);
    let kept = stage(HandleInvalid::Keep).transform(&frame).unwrap().vectors("date_parts").unwrap();
    assert!(kept[[0, 0]] == 5.0 && kept[[1, 0]].is_nan() && kept[[2, 0]].is_nan() && kept[[3, 0]] == 6.0);
    let skipped = stage(HandleInvalid::Skip).transform(&frame).unwrap();
    assert_eq!(skipped.column_i64("n").unwrap(), [0, 3]);
    assert_eq!(skipped.vectors("date_parts").unwrap(), array![[5.0], [6.0]]);
    has(
        DateParts::new().input_cols(["n"]).transform(&frame).unwrap_err(),
        &["column `n`", "i64", "2024-02-29"],
    );
}

#[test]
fn other_forms_of_dates_are_read_as_the_pattern_says() {
    let stage = |format: &str| {
        let parts = [DatePart::Year, DatePart::Month, DatePart::Day, DatePart::Hour];
        DateParts::new().input_cols(["t"]).parts(parts).format(format.to_owned())
    };
    for (text, format, expected) in [
        ("29.02.2024", "%d.%m.%Y", [2024.0, 2.0, 29.0, 0.0]),
        (" 5.3.2024 17:45 ", "%d.%m.%Y %H:%M", [2024.0, 3.0, 5.0, 17.0]),
        ("12/31/23", "%m/%d/%y", [2023.0, 12.0, 31.0, 0.0]),
        ("07 Jan 2024 03:10 PM", "%d %b %Y %I:%M %p", [2024.0, 1.0, 7.0, 15.0]),
        ("20240229", "%Y%m%d", [2024.0, 2.0, 29.0, 0.0]),
    ] {
        let frame = DataFrame::from_columns(vec![("t", Column::utf8([text]))]).unwrap();
        let out = stage(format).transform(&frame).unwrap();
        assert_eq!(out.vectors("date_parts").unwrap().row(0).to_vec(), expected, "{text}");
    }
    let frame = DataFrame::from_columns(vec![("t", Column::utf8(["2024-02-29"]))]).unwrap();
    has(stage("%d.%m.%Y").transform(&frame).unwrap_err(), &["`2024-02-29`", "`format`"]);
    for no_day in ["%H:%M", "%Q", "%m.%Y", "%d.%m.%Y %z", ""] {
        let refused = stage(no_day).validate().unwrap_err().to_string();
        assert!(refused.contains("expected a strftime pattern such as"), "{no_day}: {refused}");
    }
}
