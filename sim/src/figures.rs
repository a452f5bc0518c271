//! Figures and tables of them.

/// Values of which the order matters.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<f64>);

impl Values {
    /// One more.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value below which this share of them is; 0 when there are none.
    #[must_use]
    pub fn at(&self, share: f64) -> f64 {
        let mut all = self.0.clone();
        all.sort_unstable_by(f64::total_cmp);
        let at = ((all.len() as f64 * share).ceil() as usize).clamp(1, all.len().max(1)) - 1;
        all.get(at).copied().unwrap_or(0.0)
    }

    /// The mean; 0 when there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self.0.len() {
            0 => 0.0,
            len => self.0.iter().sum::<f64>() / len as f64,
        }
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<I: IntoIterator<Item = f64>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// A line of a table: what, and a value for each column.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// The values, as they are to be read.
    pub values: Vec<String>,
}

/// A table of Markdown.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Report {
    /// An empty one.
    #[must_use]
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(|one| (*one).to_owned()).collect(),
            lines: Vec::new(),
        }
    }

    /// One more line.
    pub fn line(&mut self, what: &str, values: &[String]) {
        self.lines.push(Line {
            what: what.to_owned(),
            values: values.to_vec(),
        });
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        writeln!(f, "| what | {} |", self.columns.join(" | "))?;
        writeln!(f, "|---|{}", "---|".repeat(self.columns.len()))?;
        for line in &self.lines {
            writeln!(f, "| {} | {} |", line.what, line.values.join(" | "))?;
        }
        Ok(())
    }
}

/// A number with so many digits behind the point.
#[must_use]
pub fn number(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// A share in percent.
#[must_use]
pub fn percent(part: usize, of: usize) -> String {
    match of {
        0 => "none tried".to_owned(),
        of => format!("{:.2} % of {of}", part as f64 * 100.0 / of as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_an_order() {
        let mut values = Values::default();
        assert_eq!(values.at(0.5), 0.0);
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            values.push(value);
        }
        assert_eq!(
            (values.at(0.5), values.at(0.99), values.at(0.0)),
            (3.0, 5.0, 1.0)
        );
        assert_eq!(values.mean(), 3.0);
    }
}
