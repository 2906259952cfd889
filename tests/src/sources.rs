//! Sources as the tests of the house read them.

/// A source without comments and without its unit tests, which stand at its end. A test module in a file of its own (`mod tests;`) ends nothing.
pub fn production(source: &str) -> String {
    let lines = source.lines().collect::<Vec<_>>();
    let is_test_module = |at: usize| {
        let next = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
        lines[at] == "#[cfg(test)]" && next.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let end = (0..lines.len()).find(|at| is_test_module(*at)).unwrap_or(lines.len());
    let code = lines[..end].iter().filter(|line| !line.trim_start().starts_with("//"));
    code.fold(String::new(), |text, line| text + line + "\n")
}
