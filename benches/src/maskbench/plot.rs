//! Percentile curves as an SVG picture: time, on a logarithmic axis, over the percentile, on one where each further nine
//! takes the same room.

use std::fmt::{self, Write};

use super::percentile::Distribution;

/// A picture of panels, one below the other.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

/// Curves on the same axes.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    /// A name and times in microseconds.
    pub(super) curves: Vec<(String, Distribution)>,
}

/// The percentiles that are marked, and where the axis ends.
const PERCENTILES: [(&str, f64); 6] =
    [("0", 0.0), ("50", 0.5), ("90", 0.9), ("99", 0.99), ("99.9", 0.999), ("99.99", LAST_QUANTILE)];
const LAST_QUANTILE: f64 = 0.9999;
/// Powers of ten between the first and the last percentile.
const NINES: usize = 4;
/// Points of a curve for each of them.
const POINTS_PER_NINE: usize = 50;

const WIDTH: f64 = 900.0;
const TITLE_HEIGHT: f64 = 40.0;
const PANEL_HEIGHT: f64 = 400.0;
/// From the edges of a panel to its axes.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 60.0;

/// Colours that the colour-blind can tell apart, after Okabe and Ito.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let height = TITLE_HEIGHT + PANEL_HEIGHT * self.panels.len() as f64;
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">"#
        )?;
        writeln!(f, r#"<rect width="100%" height="100%" fill="white"/>"#)?;
        writeln!(f, r#"<text x="{LEFT}" y="25" font-size="16">{}</text>"#, Escaped(&self.title))?;
        for (number, panel) in self.panels.iter().enumerate() {
            let top = TITLE_HEIGHT + PANEL_HEIGHT * number as f64;
            writeln!(f, r#"<g transform="translate(0 {top})">"#)?;
            panel.write(f)?;
            writeln!(f, "</g>")?;
        }
        writeln!(f, "</svg>")
    }
}

impl Panel {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axis = TimeAxis::of(self.curves.iter().map(|(_, times)| times));
        writeln!(f, r#"<text x="{LEFT}" y="{}" font-weight="bold">{}, µs</text>"#, TOP - 10.0, Escaped(&self.title))?;
        let (right, bottom) = (WIDTH - RIGHT, PANEL_HEIGHT - BOTTOM);
        for exponent in axis.low..=axis.high {
            let y = axis.y(10f64.powi(exponent));
            writeln!(f, r##"<path d="M{LEFT} {y:.2}H{right}" stroke="#ddd"/>"##)?;
            let (x, y) = (LEFT - 8.0, y + 4.0);
            writeln!(f, r#"<text x="{x}" y="{y:.2}" text-anchor="end">{}</text>"#, Power(exponent))?;
        }
        for (label, quantile) in PERCENTILES {
            let x = x(quantile);
            writeln!(f, r##"<path d="M{x:.2} {TOP}V{bottom}" stroke="#ddd"/>"##)?;
            writeln!(f, r#"<text x="{x:.2}" y="{}" text-anchor="middle">{label}</text>"#, bottom + 18.0)?;
        }
        let middle = (LEFT + right) / 2.0;
        writeln!(f, r#"<text x="{middle}" y="{}" text-anchor="middle">percentile</text>"#, bottom + 38.0)?;
        for (number, (name, times)) in self.curves.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let y = TOP + 18.0 * number as f64 + 10.0;
            let x = right + 12.0;
            writeln!(f, r#"<path d="M{x} {y}h20" stroke="{colour}" stroke-width="2"/>"#)?;
            writeln!(f, r#"<text x="{}" y="{}">{}</text>"#, x + 26.0, y + 4.0, Escaped(name))?;
            if times.len() > 0 {
                write_curve(f, name, times, colour, &axis)?;
            }
        }
        Ok(())
    }
}

/// The line, and its figures at the percentiles that are marked.
fn write_curve(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    times: &Distribution,
    colour: &str,
    axis: &TimeAxis,
) -> fmt::Result {
    write!(f, "<g><title>{}</title><desc>", Escaped(name))?;
    for (label, quantile) in PERCENTILES {
        write!(f, "p{label} {:.2} µs, ", times.quantile(quantile))?;
    }
    write!(f, r#"max {:.2} µs</desc><polyline fill="none" stroke="{colour}" stroke-width="2" points=""#, times.max())?;
    for point in 0..=NINES * POINTS_PER_NINE {
        let quantile = 1.0 - 10f64.powf(-(point as f64) / POINTS_PER_NINE as f64);
        write!(f, "{:.2},{:.2} ", x(quantile), axis.y(times.quantile(quantile)))?;
    }
    writeln!(f, r#""/></g>"#)
}

fn x(quantile: f64) -> f64 {
    LEFT + (WIDTH - RIGHT - LEFT) * -(1.0 - quantile).log10() / NINES as f64
}

/// From one power of ten of microseconds to another.
struct TimeAxis {
    low: i32,
    high: i32,
}

impl TimeAxis {
    /// Shorter times than a nanosecond are drawn as one.
    const LEAST: f64 = 1e-3;

    fn of<'a>(curves: impl Iterator<Item = &'a Distribution>) -> Self {
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        for times in curves.filter(|times| times.len() > 0) {
            least = least.min(times.quantile(0.0).max(Self::LEAST));
            greatest = greatest.max(times.quantile(LAST_QUANTILE).max(Self::LEAST));
        }
        if least > greatest {
            return Self { low: 0, high: 1 };
        }
        let low = least.log10().floor() as i32;
        Self { low, high: (greatest.log10().ceil() as i32).max(low + 1) }
    }

    fn y(&self, time: f64) -> f64 {
        let share = (time.max(Self::LEAST).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        PANEL_HEIGHT - BOTTOM - share * (PANEL_HEIGHT - BOTTOM - TOP)
    }
}

/// A power of ten as one reads it.
struct Power(i32);

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            exponent @ ..0 => write!(f, "{:.*}", exponent.unsigned_abs() as usize, 10f64.powi(exponent)),
            exponent => {
                let digits = format!("1{}", "0".repeat(exponent as usize));
                for (position, digit) in digits.chars().enumerate() {
                    if position > 0 && (digits.len() - position).is_multiple_of(3) {
                        f.write_char(',')?;
                    }
                    f.write_char(digit)?;
                }
                Ok(())
            }
        }
    }
}

/// Text of an XML element. Characters that XML cannot have are replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '\u{FFFE}' | '\u{FFFF}' => f.write_char('\u{FFFD}'),
            character if character.is_control() => f.write_char('\u{FFFD}'),
            character => f.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each curve as the engine's name and its points.
    fn curves(plot: &Plot) -> Vec<(String, Vec<(f64, f64)>)> {
        let text = plot.to_string();
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let number = |text: &str| text.parse::<f64>().unwrap();
        let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
        lines
            .map(|line| {
                let title = line.parent().unwrap().children().find(|node| node.has_tag_name("title")).unwrap();
                let points = line.attribute("points").unwrap().split_whitespace();
                let points = points.map(|point| point.split_once(',').unwrap()).map(|(x, y)| (number(x), number(y)));
                (title.text().unwrap().to_owned(), points.collect())
            })
            .collect()
    }

    fn panel(curves: Vec<(&str, Distribution)>) -> Panel {
        let curves = curves.into_iter().map(|(name, times)| (name.to_owned(), times)).collect();
        Panel { title: "mask".to_owned(), curves }
    }

    #[test]
    fn a_curve_is_where_its_percentiles_are() {
        // The axis reaches from 1 to 10,000 µs: 77.5 units for each power of ten, from 340 upwards.
        let growing: Distribution = (0..10_000).map(|number| f64::from(number) + 1.0).collect();
        let constant: Distribution = (0..10).map(|_| 100.0).collect();
        let plot = Plot { title: "test".to_owned(), panels: vec![panel(vec![("a", growing), ("b", constant)])] };
        let curves = curves(&plot);
        assert_eq!(curves.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let [growing, constant] = [&curves[0].1, &curves[1].1];
        assert_eq!((growing.len(), growing[0]), (201, (80.0, 340.0)));
        // 99 %: half of the way to 99.99 %; the value at position 9,900 is 9,901.
        assert_eq!(growing[100].0, 415.0);
        assert!((growing[100].1 - (340.0 - 77.5 * 9_901f64.log10())).abs() < 0.02, "{:?}", growing[100]);
        assert_eq!(growing[200], (750.0, 30.0));
        assert!(growing.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1));
        assert!(constant.iter().all(|&(_, y)| y == 185.0), "{constant:?}");
    }

    #[test]
    fn names_and_odd_times_are_well_formed() {
        let odd: Distribution = [0.0, 1e-9, 5e8].into_iter().collect();
        let panels = vec![panel(vec![("<&>\u{1}\u{FFFF}", odd), ("none", Distribution::default())]), panel(Vec::new())];
        let curves = curves(&Plot { title: "a < b & c".to_owned(), panels });
        assert_eq!(curves.len(), 1);
        assert_eq!(curves[0].0, "<&>\u{FFFD}\u{FFFD}");
        assert!(curves[0].1.iter().all(|&(_, y)| (TOP..=PANEL_HEIGHT - BOTTOM).contains(&y)));
    }

    #[test]
    fn powers_of_ten_have_separators() {
        let shown: Vec<String> = [-3, -1, 0, 2, 3, 6].map(|exponent| Power(exponent).to_string()).into();
        assert_eq!(shown, ["0.001", "0.1", "1", "100", "1,000", "1,000,000"]);
    }
}
