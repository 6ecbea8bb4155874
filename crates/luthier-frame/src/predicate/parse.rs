//! Parses conditions.

use std::str::FromStr;

use super::{Condition, Literal, Operator, Predicate, Test};
use crate::Error;

impl FromStr for Predicate {
    type Err = Error;

    /// # Errors
    /// [`Error::Predicate`] with the place of the problem.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |problem| Error::Predicate { condition: text.to_owned(), problem };
        let mut parser = Parser { tokens: tokens(text).map_err(refuse)?, at: 0, depth: 0 };
        let condition = parser.any().map_err(refuse)?;
        match parser.peek() {
            None => Ok(Self { text: text.to_owned(), condition }),
            Some(_) => Err(refuse(parser.expected("`and`, `or` or the end"))),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in backquotes.
    Name(String),
    Number(String),
    Text(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

/// A token, its text, and the number of its first character, from 1.
type Placed = (Token, String, usize);

fn tokens(text: &str) -> Result<Vec<Placed>, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = token(&characters, at)?;
        tokens.push((token, characters[at..end].iter().collect(), at + 1));
        at = end;
    }
    Ok(tokens)
}

/// The token that begins at `at`, and where it ends.
fn token(characters: &[char], at: usize) -> Result<(Token, usize), String> {
    let until = |ends: &dyn Fn(char) -> bool| {
        characters[at..]
            .iter()
            .position(|&character| ends(character))
            .map_or(characters.len(), |length| at + length)
    };
    let next = characters.get(at + 1).copied();
    let first = characters[at];
    Ok(match (first, next) {
        ('(', _) => (Token::Open, at + 1),
        (')', _) => (Token::Close, at + 1),
        (',', _) => (Token::Comma, at + 1),
        ('=', Some('=')) => (Token::Operator(Operator::Equal), at + 2),
        ('=', _) => (Token::Operator(Operator::Equal), at + 1),
        ('!', Some('=')) | ('<', Some('>')) => (Token::Operator(Operator::NotEqual), at + 2),
        ('<', Some('=')) => (Token::Operator(Operator::AtMost), at + 2),
        ('<', _) => (Token::Operator(Operator::Less), at + 1),
        ('>', Some('=')) => (Token::Operator(Operator::AtLeast), at + 2),
        ('>', _) => (Token::Operator(Operator::Greater), at + 1),
        ('\'' | '"' | '`', _) => {
            let (inside, end) = quoted(characters, at)?;
            (if first == '`' { Token::Name(inside) } else { Token::Text(inside) }, end)
        }
        (first, next) if first.is_ascii_digit() || begins_number(first, next) => {
            let mut end = at + 1;
            while let Some(&character) = characters.get(end) {
                let exponent = matches!(characters[end - 1], 'e' | 'E') && matches!(character, '+' | '-');
                if !(character.is_ascii_alphanumeric() || character == '.' || exponent) {
                    break;
                }
                end += 1;
            }
            let number: String = characters[at..end].iter().collect();
            if number.parse::<f64>().is_err() {
                return Err(format!(
                    "`{number}` at character {} is not a number; write strings in quotes",
                    at + 1
                ));
            }
            (Token::Number(number), end)
        }
        (first, _) if first.is_alphabetic() || first == '_' => {
            let end =
                until(&|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '.')));
            (Token::Word(characters[at..end].iter().collect()), end)
        }
        (other, _) => {
            let place = at + 1;
            return Err(format!(
                "unexpected `{}` at character {place}; write names with such characters in backquotes, `like this`",
                other.escape_debug()
            ));
        }
    })
}

fn begins_number(first: char, next: Option<char>) -> bool {
    let digit = |character: char| character.is_ascii_digit() || character == '.';
    matches!(first, '-' | '+' | '.') && next.is_some_and(digit)
}

/// The text in quotes that begin at `at`, and where they end.
fn quoted(characters: &[char], at: usize) -> Result<(String, usize), String> {
    let quote = characters[at];
    let mut inside = String::new();
    let mut end = at + 1;
    loop {
        match (characters.get(end), characters.get(end + 1)) {
            (Some(&character), Some(&next)) if character == quote && next == quote => {
                inside.push(quote);
                end += 2;
            }
            (Some(&character), _) if character == quote => return Ok((inside, end + 1)),
            (Some(&character), _) => {
                inside.push(character);
                end += 1;
            }
            (None, _) => return Err(format!("the quote at character {} is not closed", at + 1)),
        }
    }
}

/// The deepest nesting of parentheses and `not`s.
const DEEPEST: usize = 100;

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, ..)| token)
    }

    /// Takes a keyword, if it is next.
    fn word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn token(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn expected(&self, what: &str) -> String {
        match self.tokens.get(self.at) {
            Some((_, written, place)) => format!("found `{written}` at character {place}, expected {what}"),
            None => format!("found the end, expected {what}"),
        }
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Or(parts) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::And(parts) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("parentheses are nested more than {DEEPEST} levels deep"));
        }
        let condition = if self.word("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.token(&Token::Open) {
            let inside = self.any()?;
            if !self.token(&Token::Close) {
                return Err(self.expected("`)`"));
            }
            inside
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        if let Some(value) = self.literal() {
            let Some(operator) = self.operator() else {
                return Err(self.expected("a comparison such as `<`"));
            };
            let column = self.column()?;
            return Ok(Condition::Compare { column, test: Test::Is(operator.turned(), value) });
        }
        let column = self.column()?;
        let compare = |test| Condition::Compare { column, test };
        if let Some(operator) = self.operator() {
            let Some(value) = self.literal() else {
                return Err(self.expected("a value: a number, true, false, or a string in quotes"));
            };
            return Ok(compare(Test::Is(operator, value)));
        }
        if self.word("is") {
            let negated = self.word("not");
            if !self.word("null") {
                return Err(self.expected("`null`"));
            }
            return Ok(negate(compare(Test::Null), negated));
        }
        let negated = self.word("not");
        if self.word("in") {
            return Ok(negate(compare(Test::OneOf(self.list()?)), negated));
        }
        match negated {
            true => Err(self.expected("`in`")),
            false => Ok(compare(Test::True)),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        if !self.token(&Token::Open) {
            return Err(self.expected("`(` and the values"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.literal().ok_or_else(|| self.expected("a value"))?);
            if self.token(&Token::Close) {
                return Ok(values);
            }
            if !self.token(&Token::Comma) {
                return Err(self.expected("`,` or `)`"));
            }
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        let Some(Token::Operator(operator)) = self.peek() else { return None };
        let operator = *operator;
        self.at += 1;
        Some(operator)
    }

    fn literal(&mut self) -> Option<Literal> {
        let literal = match self.peek()? {
            Token::Number(digits) => Literal::Number(digits.clone()),
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            _ => return None,
        };
        self.at += 1;
        Some(literal)
    }

    fn column(&mut self) -> Result<String, String> {
        let name = match self.peek() {
            Some(Token::Name(name)) => name.clone(),
            Some(Token::Word(word))
                if !["and", "or", "not", "in", "is", "null"]
                    .iter()
                    .any(|reserved| word.eq_ignore_ascii_case(reserved)) =>
            {
                word.clone()
            }
            _ => return Err(self.expected("the name of a column")),
        };
        self.at += 1;
        Ok(name)
    }
}

fn negate(condition: Condition, negated: bool) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

impl Operator {
    /// The same comparison with its sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        text.parse::<Predicate>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("", "found the end, expected the name of a column"),
            ("age >", "found the end, expected a value"),
            (
                "age > x",
                "found `x` at character 7, expected a value: a number, true, false, or a string in quotes",
            ),
            ("age > 3 state = 'CA'", "found `state` at character 9, expected `and`, `or` or the end"),
            ("(age > 3", "found the end, expected `)`"),
            ("name = 'CA", "the quote at character 8 is not closed"),
            ("age in 3", "found `3` at character 8, expected `(` and the values"),
            ("age is 3", "found `3` at character 8, expected `null`"),
            ("age not 3", "found `3` at character 9, expected `in`"),
            ("age % 2 = 0", "unexpected `%` at character 5"),
            ("age > 3x", "`3x` at character 7 is not a number"),
            ("and = 1", "found `and` at character 1, expected the name of a column"),
        ] {
            let found = problem(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
        assert!(problem(&"(".repeat(10_000)).contains("parentheses are nested more than"));
        assert!(problem(&"not ".repeat(10_000)).contains("parentheses are nested more than"));
    }
}
