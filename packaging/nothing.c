/* libmidwatch.so is made of the archives it links; CMake wants a source all the same. */
typedef int nothing_here;
