/* curve.h - the area under a cost-quality curve.
 *
 * (1) The curve of some settings of one policy is the upper concave hull of their points (cost, quality), from the cheapest
 *     to the best: what lies between two settings is reached by using each for its share of the requests.
 * (2) Q(c), the quality at a budget c: the hull there; beyond the best point that one's; below the cheapest 0, as nobody
 *     is served for so little.
 * (3) The area is the mean of Q over the budgets [low, high], so it is in units of quality.  (RouterBench's AIQ is the same
 *     with low and high the curve's own ends; two curves are compared over the same budgets.)
 * (4) With the hull's corners held, the area is a sum of qualities times weights: what its uncertainty is made of. */
#ifndef DUO_ANALYSIS_CURVE_H
#define DUO_ANALYSIS_CURVE_H

struct duo_point { double cost, quality; };

/* NAN with no point, an unknown number, or high <= low.  `weight`: n numbers (4), or NULL. */
double duo_curve_area(const struct duo_point *, int n, double low, double high, double *weight);

#endif
