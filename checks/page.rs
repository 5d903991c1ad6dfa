//! The page of a check: what `demarc explain` prints and `docs/checks` shows.

use demarc_model::Check;

/// The check's page as Markdown.
pub fn markdown(check: &Check) -> String {
    let actions: Vec<_> = check.needs.iter().map(|call| format!("`{}`", call.action)).collect();
    let reads = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
    let prose = check.docs.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    format!(
        "# {}\n\n{}\n\n- severity: {}\n- layer: {}\n- control type: {}\n- judges: `{}`\n- reads: {}\n\n{}\n",
        check.id,
        check.title,
        check.severity.id(),
        check.layer.id(),
        check.control_type.id(),
        check.resource,
        reads,
        prose.collect::<Vec<_>>().join("\n").trim_end()
    )
}
