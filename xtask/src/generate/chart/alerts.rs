//! The alerts of the chart: each may be left out, and may be as bad and last as long as a user says.

/// Puts values in place of each alert's severity and duration, and a condition around it.
pub(super) fn settable(text: &str) -> String {
    let mut made = String::new();
    // Comments belong to the alert that follows.
    let mut before = String::new();
    let mut alert: Option<String> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("    - alert: ") {
            end(&mut made, &mut alert);
            made.extend(["{{- if not (has \"", name, "\" .Values.prometheus.rules.disabled) }}\n"]);
            alert = Some(name.to_owned());
        } else if line.starts_with("  - name: ") || line.starts_with("    # ") {
            end(&mut made, &mut alert);
            before.push_str(line);
            before.push('\n');
            continue;
        }
        made.push_str(&std::mem::take(&mut before));
        made.push_str(&alert.as_deref().map_or_else(|| line.to_owned(), |alert| set(line, alert)));
        made.push('\n');
    }
    end(&mut made, &mut alert);
    made + &before
}

fn end(made: &mut String, alert: &mut Option<String>) {
    if alert.take().is_some() {
        made.push_str("{{- end }}\n");
    }
}

/// A line of an alert, with a value in it if it is one of the two.
fn set(line: &str, alert: &str) -> String {
    for (word, values) in [("      for: ", "for"), ("        severity: ", "severities")] {
        if let Some(usual) = line.strip_prefix(word) {
            return format!(
                "{word}{{{{ index .Values.prometheus.rules.{values} \"{alert}\" | default \"{usual}\" }}}}"
            );
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_can_be_left_out_with_its_comment_and_be_worse() {
        let text = "  groups:\n  - name: g\n    rules:\n    # Why.\n    - alert: A\n      for: 1m\n      labels:\n        \
                    severity: warning\n    - alert: B\n      expr: x\n";
        let expect = "  groups:\n  - name: g\n    rules:\n{{- if not (has \"A\" .Values.prometheus.rules.disabled) }}\n    \
                      # Why.\n    - alert: A\n      for: {{ index .Values.prometheus.rules.for \"A\" | default \"1m\" }}\n      \
                      labels:\n        severity: {{ index .Values.prometheus.rules.severities \"A\" | default \"warning\" }}\n\
                      {{- end }}\n{{- if not (has \"B\" .Values.prometheus.rules.disabled) }}\n    - alert: B\n      expr: x\n\
                      {{- end }}\n";
        assert_eq!(settable(text), expect);
    }
}
