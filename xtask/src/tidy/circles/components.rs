//! Which nodes of a graph lie on circles with each other.

/// The groups of two and more nodes that are reached from each other along arrows.
pub(super) fn components(nodes: usize, arrows: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let reached: Vec<Vec<bool>> = (0..nodes).map(|node| reached_from(node, nodes, arrows)).collect();
    let mut done = vec![false; nodes];
    let mut found = Vec::new();
    for node in 0..nodes {
        if done[node] {
            continue;
        }
        let group: Vec<_> =
            (node..nodes).filter(|other| reached[node][*other] && reached[*other][node]).collect();
        for member in &group {
            done[*member] = true;
        }
        if group.len() > 1 {
            found.push(group);
        }
    }
    found
}

fn reached_from(start: usize, nodes: usize, arrows: &[(usize, usize)]) -> Vec<bool> {
    let mut reached = vec![false; nodes];
    let mut next = vec![start];
    while let Some(node) = next.pop() {
        for (_, to) in arrows.iter().filter(|(from, _)| *from == node) {
            if !reached[*to] {
                reached[*to] = true;
                next.push(*to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_that_touch_are_one_and_others_are_apart() {
        let arrows = [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (4, 5), (5, 4), (3, 3)];
        assert_eq!(components(6, &arrows), [vec![0, 1, 2], vec![4, 5]]);
        assert_eq!(components(3, &[(0, 1), (1, 2), (0, 2)]), [[0; 0]; 0]);
    }
}
