//! The code blocks of the documents. Tests find a block by the name in the comment above it.

const DOCUMENTS: [&str; 2] = [
    include_str!("../../docs/dialects.md"),
    include_str!("../../docs/library.md"),
];

/// The code below `<!-- example: NAME -->`.
pub fn example(name: &str) -> &'static str {
    let mark = format!("<!-- example: {name} -->\n```");
    let (_, below) = DOCUMENTS
        .iter()
        .find_map(|document| document.split_once(&mark))
        .expect(name);
    let (_, code) = below.split_once('\n').expect(name);
    code.split_once("```").expect(name).0
}
