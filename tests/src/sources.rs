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

/// Every path of the code that begins with `crate`, `self` or `super`; each member of a list in braces is a path.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(start) {
            // `super::super::` begins once, and `$crate::` is another crate's.
            let before = &code[..at];
            if !before.ends_with([':', '$', '_']) && !before.ends_with(char::is_alphanumeric) {
                follow(&code[at..], &[], &mut found);
            }
        }
    }
    found
}

/// Adds the paths that go on here from `so_far`; gives the code behind them.
fn follow<'a>(code: &'a str, so_far: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut list) = code.strip_prefix('{') {
        loop {
            list = follow(list, so_far, found);
            // What stands before the next member is what this one is called here.
            let Some(end) = list.find([',', '}']) else { return "" };
            let closes = list[end..].starts_with('}');
            list = &list[end + 1..];
            if closes {
                return list;
            }
        }
    }
    let end = code.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(code.len());
    let (name, after) = code.split_at(end);
    let mut path = so_far.to_vec();
    if !name.is_empty() {
        path.push(name.to_owned());
        if let Some(further) = after.strip_prefix("::") {
            return follow(further, &path, found);
        }
    }
    found.push(path);
    after
}
