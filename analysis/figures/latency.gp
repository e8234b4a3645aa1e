# Drawn from what plot.c hands over: see analysis/README.md.
set border 3 lc rgb '#555555'
set grid lc rgb '#e4e4e4' lt 1
set tics nomirror out scale 0.5
set logscale x
set yrange [0:1]
do for [p = 1:panels] {
  do for [v = 1:variants] {
    @PLACE
    @KEY
    set xrange [x_least[p] * 0.8:x_most[p] * 1.25]
    set xlabel x_title[p]
    set ylabel (v == 1 ? y_title[p] : '') offset 1,0
    set title (p == 1 ? variant[v] : '')
    plot for [l = 1:labels] $point index ((p - 1) * variants + v - 1) * labels + l - 1 \
           using 1:4 with lines lc rgb colour[l] dt dash[l] lw 1.8 title label[l]
  }
}
