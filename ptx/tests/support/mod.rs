//! Readers of the two texts that say what a kernel takes: the PTX and the CUDA C++ source.

use std::collections::BTreeMap;

/// What the directives of a PTX text declare.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PtxHeader {
    /// `.version`: major and minor number of the PTX ISA.
    pub(crate) version: Option<(u32, u32)>,
    /// `.target`, whole.
    pub(crate) target: Option<String>,
    /// `.address_size`, in bits.
    pub(crate) address_size: Option<u32>,
    /// The visible entry points by name.
    pub(crate) entries: BTreeMap<String, PtxEntry>,
}

/// What a PTX entry point declares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PtxEntry {
    /// The types of the parameters, such as `u64`.
    pub(crate) parameters: Vec<String>,
    /// `.maxntid`: the largest block, per dimension.
    pub(crate) largest_block: Option<Vec<u32>>,
}

/// Reads the directives of `text` up to the body of each entry point.
pub(crate) fn read_ptx(text: &str) -> PtxHeader {
    let mut header = PtxHeader::default();
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some(".version"), Some(version)) => {
                let (major, minor) = version.split_once('.').expect("a version has two parts");
                header.version = Some((major.parse().expect("major"), minor.parse().expect("minor")));
            }
            (Some(".target"), Some(_)) => header.target = line.strip_prefix(".target").map(|rest| rest.trim().into()),
            (Some(".address_size"), Some(bits)) => header.address_size = Some(bits.parse().expect("bits")),
            (Some(".visible"), Some(".entry")) => {
                let mut declaration = line.to_owned();
                for line in lines.by_ref().take_while(|line| !line.starts_with('{')) {
                    declaration.push(' ');
                    declaration.push_str(line);
                }
                let (name, entry) = read_entry(&declaration);
                assert!(header.entries.insert(name, entry).is_none(), "two entries of one name");
            }
            _ => {}
        }
    }
    header
}

fn read_entry(declaration: &str) -> (String, PtxEntry) {
    let (name, rest) = declaration.split_once('(').expect("an entry has a parameter list");
    let (parameters, directives) = rest.split_once(')').expect("a parameter list ends");
    let name = name.split_whitespace().last().expect("an entry has a name");
    let parameters = parameters
        .split(',')
        .map(|parameter| match parameter.split_whitespace().collect::<Vec<_>>()[..] {
            [".param", kind, ..] => kind.trim_start_matches('.').to_owned(),
            _ => panic!("not a parameter: {parameter}"),
        })
        .collect();
    let largest_block = directives.split_once(".maxntid").map(|(_, rest)| {
        let numbers = rest.split('.').next().unwrap_or_default();
        numbers.split(',').map(|number| number.trim().parse().expect("a block dimension")).collect()
    });
    (name.to_owned(), PtxEntry { parameters, largest_block })
}

/// The parameters of the kernel `entry` in a CUDA C++ text, as pairs of type and name, without `const` and
/// `__restrict__`.
pub(crate) fn read_source_parameters(source: &str, entry: &str) -> Vec<(String, String)> {
    let (_, rest) = source
        .split("extern \"C\" __global__")
        .skip(1)
        .find_map(|kernel| kernel.split_once(&format!(" {entry}(")))
        .unwrap_or_else(|| panic!("the source has no kernel {entry}"));
    let (list, _) = rest.split_once(')').expect("a parameter list ends");
    list.split(',')
        .map(|parameter| {
            let mut words: Vec<_> =
                parameter.split_whitespace().filter(|word| !matches!(*word, "const" | "__restrict__")).collect();
            let name = words.pop().expect("a parameter has a name");
            (words.join(" "), name.to_owned())
        })
        .collect()
}
