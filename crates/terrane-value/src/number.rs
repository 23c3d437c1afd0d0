//! Terraform's numbers: decimals of any size, kept as text.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::Deserialize;

/// The name under which our deserializer hands out a number's text; see [`crate::de`].
pub(crate) const NUMBER_NAME: &str = "$terrane_value::Number";

/// A number as the state spells it.
///
/// Terraform computes with 512 bits, which no machine number holds, so the text is what counts. Conversions are
/// checked: they return `None` when the number does not fit. Numbers compare by what they are worth: `1`, `1.0`,
/// and `1e0` are equal.
///
/// # Examples
///
/// ```
/// use terrane_value::Number;
///
/// let number: Number = "9223372036854775808".parse()?;
/// assert_eq!(number.as_i64(), None);
/// assert_eq!(number.as_u64(), Some(1 << 63));
/// assert_eq!(number.as_str(), "9223372036854775808");
/// # Ok::<(), terrane_value::ParseNumberError>(())
/// ```
#[derive(Clone, Deserialize)]
#[serde(rename = "$terrane_value::Number")]
pub struct Number(String);

/// A text is not a decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseNumberError(());

impl fmt::Display for ParseNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a decimal number")
    }
}

impl std::error::Error for ParseNumberError {}

impl FromStr for Number {
    type Err = ParseNumberError;

    /// Reads a decimal: digits with an optional sign, fraction, and exponent.
    fn from_str(text: &str) -> Result<Number, ParseNumberError> {
        Decimal::parse(text).ok_or(ParseNumberError(()))?;
        Ok(Number(text.to_owned()))
    }
}

impl Number {
    /// Returns the text, exactly as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number as an `i128`, if it is whole and fits.
    pub fn as_i128(&self) -> Option<i128> {
        self.decimal().whole()?.parse().ok()
    }

    /// Returns the number as a `u128`, if it is whole and fits.
    pub fn as_u128(&self) -> Option<u128> {
        self.decimal().whole()?.parse().ok()
    }

    /// Returns the number as an `i64`, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_i128()?.try_into().ok()
    }

    /// Returns the number as a `u64`, if it is whole and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_u128()?.try_into().ok()
    }

    /// Returns the nearest `f64`, or `None` beyond its range; digits may be lost.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Returns the nearest `f64` if its shortest decimal is this number, so that no digit is lost.
    pub fn as_f64_exact(&self) -> Option<f64> {
        let nearest = self.as_f64()?;
        (Decimal::parse(&format!("{nearest:e}"))? == self.decimal()).then_some(nearest)
    }

    /// Returns the text, or where JSON has no such spelling (`+1`, `.5`, `01`) another of the same number.
    pub(crate) fn to_json(&self) -> String {
        let unsigned = self.0.strip_prefix('-').unwrap_or(&self.0);
        let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
        let is_json = !whole.is_empty()
            && !whole.starts_with('+')
            && (whole == "0" || !whole.starts_with('0'))
            && !unsigned.split(['e', 'E']).next().unwrap_or_default().ends_with('.');
        if is_json { self.0.clone() } else { self.decimal().to_json() }
    }

    fn decimal(&self) -> Decimal {
        Decimal::parse(&self.0).expect("checked when the number was made")
    }
}

macro_rules! number_from {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Number {
            fn from(number: $integer) -> Number {
                Number(number.to_string())
            }
        })*
    };
}
number_from!(i32, i64, i128, u32, u64, u128);

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.decimal() == other.decimal()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decimal().hash(state);
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        self.decimal().cmp(&other.decimal())
    }
}

/// `0.DIGITS × 10^exponent`, in one spelling for each number.
///
/// - `digits` neither starts nor ends with a zero; zero has none, a zero exponent, and no sign.
#[derive(PartialEq, Eq, Hash)]
struct Decimal {
    negative: bool,
    exponent: i64,
    digits: String,
}

impl Decimal {
    fn parse(text: &str) -> Option<Decimal> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let all = [whole, fraction].concat();
        let significant = all.trim_start_matches('0');
        let leading = i64::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Decimal { negative: false, exponent: 0, digits });
        }
        let point = i64::try_from(whole.len()).ok()?;
        Some(Decimal { negative: text.starts_with('-'), exponent: exponent + point - leading, digits })
    }

    /// Returns the number as JSON spells it.
    fn to_json(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        match (self.digits.as_str(), usize::try_from(self.exponent)) {
            ("", _) => "0".to_owned(),
            (digits, Ok(point)) if point >= digits.len() && point <= 40 => {
                format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
            }
            (digits, Ok(point)) if point > 0 && point < digits.len() => {
                format!("{sign}{}.{}", &digits[..point], &digits[point..])
            }
            (digits, Ok(0)) => format!("{sign}0.{digits}"),
            (digits, _) => format!("{sign}0.{digits}e{}", self.exponent),
        }
    }

    /// Returns the digits of a whole number that is not absurdly long.
    fn whole(&self) -> Option<String> {
        let length = usize::try_from(self.exponent).ok()?;
        if length < self.digits.len() || length > 40 {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        Some(format!("{sign}{}{}", self.digits, "0".repeat(length.max(1) - self.digits.len())))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |decimal: &Decimal| match (decimal.digits.is_empty(), decimal.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        };
        let size = (self.exponent, &self.digits).cmp(&(other.exponent, &other.digits));
        sign(self).cmp(&sign(other)).then(if self.negative { size.reverse() } else { size })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn conversions_are_checked() {
        assert_eq!(number("1e3").as_i64(), Some(1000));
        assert_eq!(number("-0").as_u64(), Some(0));
        assert_eq!(number("12.50").as_i64(), None);
        assert_eq!(number("1e400").as_f64(), None);
        assert_eq!(number("1e400").as_i128(), None);
        assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(number("-1").as_u64(), None);
        assert_eq!(number("9007199254740993").as_f64(), Some(9007199254740992.0));
        assert_eq!(number("9007199254740993").as_f64_exact(), None);
        assert_eq!(number("0.1").as_f64_exact(), Some(0.1));
        assert_eq!(number("1e-400").as_f64_exact(), None);
        assert_eq!(number("340282366920938463463374607431768211455").as_u128(), Some(u128::MAX));
    }

    #[test]
    fn numbers_compare_by_worth() {
        assert_eq!(number("1.0"), number("1"));
        assert_eq!(number("-0.0"), number("0"));
        let mut sorted = ["10", "9", "-3", "-20", "0", "0.5", "1e-400", "2e400"].map(number);
        sorted.sort();
        assert_eq!(sorted.map(|number| number.0), ["-20", "-3", "0", "1e-400", "0.5", "9", "10", "2e400"]);
    }

    #[test]
    fn spellings_that_json_lacks_are_replaced() {
        for (text, json) in [
            ("+1", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-00.50", "-0.5"),
            ("007", "7"),
            ("+12.5", "12.5"),
            ("-.0025", "-0.25e-2"),
            ("+1e400", "0.1e401"),
            ("00", "0"),
            ("5.e1", "50"),
            ("1.50e2", "1.50e2"),
            ("-0", "-0"),
            ("0.1", "0.1"),
        ] {
            let printed = number(text).to_json();
            assert_eq!(printed, json);
            assert_eq!(number(&printed), number(text));
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".", "Inf", "NaN", "0x1", "1e", "1e99999999999", "1_0", " 1"] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
    }
}
