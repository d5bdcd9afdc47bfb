//! What a Pod's deletion is said to cost.

/// The value of the annotation `controller.kubernetes.io/pod-deletion-cost`; 0 if it is none
/// (`GetDeletionCostFromPodAnnotations` in kubernetes/pkg/apis/core/helper/helpers.go).
pub(crate) fn deletion_cost(annotation: Option<&str>) -> i32 {
    let valid = annotation.filter(|text| *text == "0" || !text.starts_with(['+', '0']));
    valid.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_cost_is_read_as_kubernetes_reads_it() {
        let check = |text: &str, expect: i32| assert_eq!(deletion_cost(Some(text)), expect, "{text:?}");
        check("0", 0);
        check("7", 7);
        check("-7", -7);
        check("-07", -7);
        check("2147483647", i32::MAX);
        check("-2147483648", i32::MIN);
        for invalid in ["", "+7", "07", "00", "2147483648", "-", "1.5", " 7", "7 ", "0x7", "many"] {
            check(invalid, 0);
        }
        assert_eq!(deletion_cost(None), 0);
    }
}
