# Records that the package was asked for; Slicer takes the licence from the source's root.
if(NOT EXISTS "${CMAKE_SOURCE_DIR}/LICENSE.txt")
  message(FATAL_ERROR "LICENSE.txt is missing")
endif()
_record(extension PACKAGED ${CMAKE_PROJECT_NAME})
