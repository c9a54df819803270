//! "Did you mean": the known word that is closest to what was written.

/// `did you mean ...`, if one of the known words is near.
pub(super) fn did_you_mean(written: &str, known: impl IntoIterator<Item = &'static str>) -> Option<String> {
    let nearest = known.into_iter().map(|word| (distance(&fold(written), &fold(word)), word)).min()?;
    let tolerated = (written.chars().count() / 3).clamp(1, 3);
    (nearest.0 <= tolerated).then(|| format!("did you mean `{}`?", nearest.1))
}

/// Spelling that people vary without thinking.
fn fold(word: &str) -> Vec<char> {
    const LONGEST: usize = 64;
    word.chars().take(LONGEST).map(|char| if char == '-' { '_' } else { char.to_ascii_lowercase() }).collect()
}

/// How many letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        rows[i][0] = i;
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            rows[i][j] = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposes_the_nearest_word_and_nothing_far_off() {
        let known = ["endpoint", "protocol", "headers", "timeout"];
        for (written, nearest) in [
            ("endpont", "endpoint"),
            ("enpdoint", "endpoint"),
            ("Protocol", "protocol"),
            ("header", "headers"),
        ] {
            assert_eq!(did_you_mean(written, known), Some(format!("did you mean `{nearest}`?")));
        }
        assert_eq!(did_you_mean("api_key", known), None);
        assert_eq!(did_you_mean("", known), None);
    }
}
