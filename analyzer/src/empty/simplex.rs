//! Exact feasibility of `A x ≤ b, x ≥ 0` over the rationals: a solution, or a proof that there is none.
//!
//! A textbook phase-one simplex on a dense dictionary. Bland's rule makes it terminate whatever the input,
//! and makes the answer a function of the rows and their order alone.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

/// `Σ coefficient · x[variable] ≤ bound`. A variable stands at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Non-zero coefficients by variable.
    pub(super) terms: Vec<(usize, BigRational)>,
    /// Right-hand side.
    pub(super) bound: BigRational,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Feasibility {
    /// These values satisfy every row.
    Feasible(Vec<BigRational>),
    /// Non-negative factors `y`, one a row, with `yᵀA ≥ 0` and `yᵀb < 0`.
    Infeasible(Vec<BigRational>),
}

/// Decides whether non-negative values for `variables` variables satisfy all rows.
pub(super) fn solve(variables: usize, rows: &[Row]) -> Feasibility {
    let mut worst = None;
    for (at, row) in rows.iter().enumerate() {
        if row.bound.is_negative() && worst.is_none_or(|w: usize| row.bound < rows[w].bound) {
            worst = Some(at);
        }
    }
    let Some(worst) = worst else { return Feasibility::Feasible(vec![BigRational::zero(); variables]) };
    let mut dictionary = Dictionary::new(variables, rows);
    dictionary.pivot(worst, 0);
    while let Some((row, column)) = dictionary.next_pivot() {
        dictionary.pivot(row, column);
        if dictionary.is_feasible() {
            return Feasibility::Feasible(dictionary.solution(variables));
        }
    }
    Feasibility::Infeasible(dictionary.factors(variables, rows.len()))
}

/// The variables are numbered: 0 is the artificial one, by which every row may be exceeded; then the given
/// ones, then the rows' slacks. Each basic variable is `constants[r] + Σ table[r][c] · free[c]`, and the
/// objective, to be maximised, is minus the artificial variable.
struct Dictionary {
    basic: Vec<usize>,
    free: Vec<usize>,
    table: Vec<Vec<BigRational>>,
    constants: Vec<BigRational>,
    objective: Vec<BigRational>,
}

impl Dictionary {
    fn new(variables: usize, rows: &[Row]) -> Self {
        let one = BigRational::from_integer(1.into());
        let mut table = vec![vec![BigRational::zero(); variables + 1]; rows.len()];
        for (line, row) in table.iter_mut().zip(rows) {
            line[0] = one.clone();
            for (variable, coefficient) in &row.terms {
                line[variable + 1] = -coefficient;
            }
        }
        let mut objective = vec![BigRational::zero(); variables + 1];
        objective[0] = -one;
        Self {
            basic: (variables + 1..=variables + rows.len()).collect(),
            free: (0..=variables).collect(),
            table,
            constants: rows.iter().map(|row| row.bound.clone()).collect(),
            objective,
        }
    }

    /// Bland's rule: the first variable that improves the objective enters, the first of those that bind
    /// leaves. `None` at the optimum; the objective is bounded by 0, so some row always binds.
    fn next_pivot(&self) -> Option<(usize, usize)> {
        let column = (0..self.free.len())
            .filter(|column| self.objective[*column].is_positive())
            .min_by_key(|column| self.free[*column])?;
        let mut best: Option<(usize, BigRational)> = None;
        for (row, line) in self.table.iter().enumerate().filter(|(_, line)| line[column].is_negative()) {
            let ratio = -&self.constants[row] / &line[column];
            let better = best.as_ref().is_none_or(|(other, least)| {
                ratio < *least || (ratio == *least && self.basic[row] < self.basic[*other])
            });
            if better {
                best = Some((row, ratio));
            }
        }
        best.map(|(row, _)| (row, column))
    }

    /// Swaps a basic variable with a free one.
    fn pivot(&mut self, row: usize, column: usize) {
        let inverse = self.table[row][column].recip();
        let mut line = std::mem::take(&mut self.table[row]);
        // basic = constant + Σ a·free, solved for the entering variable.
        for (at, coefficient) in line.iter_mut().enumerate() {
            if at == column {
                *coefficient = inverse.clone();
            } else if !coefficient.is_zero() {
                *coefficient = -(&*coefficient * &inverse);
            }
        }
        let constant = -(&self.constants[row] * &inverse);
        let substitute = |target: &mut Vec<BigRational>| {
            let factor = std::mem::replace(&mut target[column], BigRational::zero());
            if !factor.is_zero() {
                for (entry, coefficient) in target.iter_mut().zip(&line) {
                    if !coefficient.is_zero() {
                        *entry += &factor * coefficient;
                    }
                }
            }
            factor
        };
        for (at, target) in self.table.iter_mut().enumerate() {
            if at != row {
                let factor = substitute(target);
                self.constants[at] += factor * &constant;
            }
        }
        substitute(&mut self.objective);
        self.table[row] = line;
        self.constants[row] = constant;
        std::mem::swap(&mut self.basic[row], &mut self.free[column]);
    }

    /// Whether the artificial variable is zero, so that no row is exceeded.
    fn is_feasible(&self) -> bool {
        self.basic.iter().position(|variable| *variable == 0).is_none_or(|row| self.constants[row].is_zero())
    }

    fn solution(&self, variables: usize) -> Vec<BigRational> {
        let mut values = vec![BigRational::zero(); variables];
        for (variable, constant) in self.basic.iter().zip(&self.constants) {
            if (1..=variables).contains(variable) {
                values[variable - 1] = constant.clone();
            }
        }
        values
    }

    /// At the optimum the slacks' reduced costs are the factors: `-x₀ = z + Σ objective · free` is an identity
    /// in the given variables, and comparing coefficients gives `yᵀb = z < 0` and `yᵀA ≥ 0`.
    fn factors(&self, variables: usize, rows: usize) -> Vec<BigRational> {
        let mut factors = vec![BigRational::zero(); rows];
        for (variable, cost) in self.free.iter().zip(&self.objective) {
            if *variable > variables {
                factors[variable - variables - 1] = -cost;
            }
        }
        factors
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rational(n: i64) -> BigRational {
        BigRational::from_integer(n.into())
    }

    /// The answer, checked against its own definition; whichever it is, it can't be both.
    fn verify(variables: usize, rows: &[Row]) -> bool {
        match solve(variables, rows) {
            Feasibility::Feasible(x) => {
                assert_eq!(x.len(), variables);
                assert!(x.iter().all(|value| !value.is_negative()));
                for row in rows {
                    let left: BigRational = row.terms.iter().map(|(v, c)| c * &x[*v]).sum();
                    assert!(left <= row.bound);
                }
                true
            }
            Feasibility::Infeasible(y) => {
                assert_eq!(y.len(), rows.len());
                assert!(y.iter().all(|factor| !factor.is_negative()));
                let mut left = vec![BigRational::zero(); variables];
                let mut right = BigRational::zero();
                for (factor, row) in y.iter().zip(rows) {
                    right += factor * &row.bound;
                    for (variable, coefficient) in &row.terms {
                        left[*variable] += factor * coefficient;
                    }
                }
                assert!(left.iter().all(|sum| !sum.is_negative()) && right.is_negative());
                false
            }
        }
    }

    fn row(terms: &[i64], bound: i64) -> Row {
        let terms =
            terms.iter().enumerate().filter(|(_, c)| **c != 0).map(|(v, c)| (v, rational(*c))).collect();
        Row { terms, bound: rational(bound) }
    }

    #[test]
    fn small_cases() {
        assert!(verify(0, &[]));
        assert!(verify(1, &[row(&[-1], -5), row(&[1], 5)]));
        assert!(!verify(1, &[row(&[-1], -5), row(&[1], 4)]));
        assert!(!verify(0, &[row(&[], -1)]));
        assert!(verify(2, &[row(&[-1, -1], -5), row(&[1, 0], 1)]));
        // Beale's example, which cycles without Bland's rule.
        assert!(verify(4, &[row(&[1, -60, -4, 9], 0), row(&[1, -90, -2, 3], 0), row(&[0, 0, 1, 0], 1)]));
    }

    proptest! {
        #[test]
        fn every_answer_carries_its_proof(
            rows in prop::collection::vec((prop::collection::vec(-3i64..=3, 4), -9i64..=9), 0..8)
        ) {
            let rows: Vec<Row> = rows.iter().map(|(terms, bound)| row(terms, *bound)).collect();
            verify(4, &rows);
        }
    }
}
