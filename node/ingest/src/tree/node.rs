//! One record as a small tree, whichever form it came in.

/// An element: its name, its text, what lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The first element below, at any depth, of this name.
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.children
            .iter()
            .find(|child| child.name == name)
            .or_else(|| self.children.iter().find_map(|child| child.find(name)))
    }

    /// The text below a path of names, each searched for below the one before; none when it is empty.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        let mut node = self;
        for name in path {
            node = node.find(name)?;
        }
        Some(node.text.trim()).filter(|text| !text.is_empty())
    }

    /// The text of a child, or of a child of a child, nothing searched for; none when it is empty.
    pub fn at(&self, path: &[&str]) -> Option<&str> {
        let step = |node: &'_ Self, name: &&str| node.children.iter().position(|child| child.name == **name);
        let mut node = self;
        for name in path {
            node = node.children.get(step(node, name)?)?;
        }
        Some(node.text.trim()).filter(|text| !text.is_empty())
    }

    /// The children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Everything in it, so that two records can be compared.
impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}\u{1f}(", self.name, self.text.trim())?;
        for child in &self.children {
            write!(f, "{child}")?;
        }
        write!(f, ")")
    }
}
