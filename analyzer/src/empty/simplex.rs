//! Exact feasibility of `A x ≤ b, x ≥ 0` over the rationals: a solution, or a proof that there is none.
//!
//! A textbook phase-one simplex on a dense dictionary. Bland's rule makes it terminate whatever the input,
//! and makes the answer a function of the rows and their order alone.

use num_rational::{BigRational, Ratio};
use num_traits::{Signed, Zero};

use super::number::Number;

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
    // The same steps in both sizes, so that the answer doesn't depend on which had room.
    attempt::<Ratio<i128>>(variables, rows)
        .or_else(|| attempt::<BigRational>(variables, rows))
        .expect("rationals of any size have room for every result")
}

/// `None` where a number has no room.
fn attempt<N: Number>(variables: usize, rows: &[Row]) -> Option<Feasibility> {
    let mut worst = None;
    for (at, row) in rows.iter().enumerate() {
        if row.bound.is_negative() && worst.is_none_or(|w: usize| row.bound < rows[w].bound) {
            worst = Some(at);
        }
    }
    let Some(worst) = worst else {
        return Some(Feasibility::Feasible(vec![BigRational::zero(); variables]));
    };
    let mut dictionary = Dictionary::<N>::new(variables, rows)?;
    dictionary.pivot(worst, 0)?;
    while let Some((row, column)) = dictionary.next_pivot().ok()? {
        dictionary.pivot(row, column)?;
        if dictionary.is_feasible() {
            return Some(Feasibility::Feasible(dictionary.solution(variables)));
        }
    }
    Some(Feasibility::Infeasible(dictionary.factors(variables, rows.len())))
}

/// A number has no room.
struct NoRoom;

/// The variables are numbered: 0 is the artificial one, by which every row may be exceeded; then the given
/// ones, then the rows' slacks. Each basic variable is `constants[r] + Σ table[r][c] · free[c]`, and the
/// objective, to be maximised, is minus the artificial variable.
struct Dictionary<N> {
    basic: Vec<usize>,
    free: Vec<usize>,
    table: Vec<Vec<N>>,
    constants: Vec<N>,
    objective: Vec<N>,
}

impl<N: Number> Dictionary<N> {
    fn new(variables: usize, rows: &[Row]) -> Option<Self> {
        let mut table = vec![vec![N::whole(0); variables + 1]; rows.len()];
        for (line, row) in table.iter_mut().zip(rows) {
            line[0] = N::whole(1);
            for (variable, coefficient) in &row.terms {
                line[variable + 1] = N::of(&-coefficient)?;
            }
        }
        let mut objective = vec![N::whole(0); variables + 1];
        objective[0] = N::whole(-1);
        Some(Self {
            basic: (variables + 1..=variables + rows.len()).collect(),
            free: (0..=variables).collect(),
            table,
            constants: rows.iter().map(|row| N::of(&row.bound)).collect::<Option<_>>()?,
            objective,
        })
    }

    /// Bland's rule: the first variable that improves the objective enters, the first of those that bind
    /// leaves. `None` at the optimum; the objective is bounded by 0, so some row always binds.
    fn next_pivot(&self) -> Result<Option<(usize, usize)>, NoRoom> {
        let improves = |column: &usize| self.objective[*column].sign() > 0;
        let Some(column) = (0..self.free.len()).filter(improves).min_by_key(|column| self.free[*column])
        else {
            return Ok(None);
        };
        let mut best: Option<(usize, N)> = None;
        for (row, line) in self.table.iter().enumerate().filter(|(_, line)| line[column].sign() < 0) {
            let ratio = self.constants[row].minus_quotient(&line[column]).ok_or(NoRoom)?;
            let better = best.as_ref().is_none_or(|(other, least)| {
                ratio < *least || (ratio == *least && self.basic[row] < self.basic[*other])
            });
            if better {
                best = Some((row, ratio));
            }
        }
        Ok(best.map(|(row, _)| (row, column)))
    }

    /// Swaps a basic variable with a free one.
    fn pivot(&mut self, row: usize, column: usize) -> Option<()> {
        let mut line = std::mem::take(&mut self.table[row]);
        // basic = constant + Σ a·free, solved for the entering variable.
        let pivot = line[column].clone();
        for (at, coefficient) in line.iter_mut().enumerate() {
            if at != column && coefficient.sign() != 0 {
                *coefficient = coefficient.minus_quotient(&pivot)?;
            }
        }
        line[column] = N::whole(-1).minus_quotient(&pivot)?;
        let constant = self.constants[row].minus_quotient(&pivot)?;
        let used: Vec<usize> = (0..line.len()).filter(|at| line[*at].sign() != 0).collect();
        let substitute = |target: &mut Vec<N>| {
            let factor = std::mem::replace(&mut target[column], N::whole(0));
            if factor.sign() != 0 {
                for at in &used {
                    target[*at] = target[*at].plus_product(&factor, &line[*at])?;
                }
            }
            Some(factor)
        };
        for (at, target) in self.table.iter_mut().enumerate() {
            if at != row {
                let factor = substitute(target)?;
                self.constants[at] = self.constants[at].plus_product(&factor, &constant)?;
            }
        }
        substitute(&mut self.objective)?;
        self.table[row] = line;
        self.constants[row] = constant;
        std::mem::swap(&mut self.basic[row], &mut self.free[column]);
        Some(())
    }

    /// Whether the artificial variable is zero, so that no row is exceeded.
    fn is_feasible(&self) -> bool {
        let artificial = self.basic.iter().position(|variable| *variable == 0);
        artificial.is_none_or(|row| self.constants[row].sign() == 0)
    }

    fn solution(&self, variables: usize) -> Vec<BigRational> {
        let mut values = vec![BigRational::zero(); variables];
        for (variable, constant) in self.basic.iter().zip(&self.constants) {
            if (1..=variables).contains(variable) {
                values[variable - 1] = constant.big();
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
                factors[variable - variables - 1] = -cost.big();
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
        let answer = solve(variables, rows);
        assert_eq!(Some(&answer), attempt::<BigRational>(variables, rows).as_ref());
        match answer {
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

    #[test]
    fn numbers_may_be_of_any_size() {
        let huge = |digits: usize| {
            let number: num_bigint::BigInt = format!("1{}", "0".repeat(digits)).parse().unwrap();
            BigRational::from_integer(number)
        };
        let at_most = |bound: BigRational| Row { terms: vec![(0, rational(1))], bound };
        let at_least = |bound: BigRational| Row { terms: vec![(0, rational(-1))], bound: -bound };
        for digits in [9, 37, 38, 60] {
            assert!(verify(1, &[at_most(huge(digits)), at_least(huge(digits))]));
            assert!(!verify(1, &[at_most(huge(digits) - rational(1)), at_least(huge(digits))]));
        }
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
